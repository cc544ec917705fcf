"""The charts, one small file each. `gallery.GALLERY` lists them in the order of the page."""
