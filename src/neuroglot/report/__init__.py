"""Look at it: the charts, the results table and one HTML page that opens offline."""
