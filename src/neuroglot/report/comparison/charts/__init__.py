"""The figures of a comparison, a family a file; `gallery.GALLERY` lists them in the order of the page."""
