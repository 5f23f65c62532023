"""Labels of other programs, one step after the other.

`bundle`      which of the given files belong together, unpacked from .zip and .kmz into a folder of their own
`tables`      CSV of any spreadsheet, `geojson`, `vectors` (GeoPackage, shapefile, KML through GDAL), `envi_roi`:
              each makes `Layer`s: geometries and attributes as the file has them
`attributes`  which attribute is the class
`frames`      what the coordinates are: the coordinate system as declared, or as the numbers themselves show
`burn`        geometries → pixels
`placing`     these steps on a scene, and the report of what came of each feature
`class_rasters`  rasters of classes, laid on the scene by their place

`io/label_import.py` is the entry to all of it.
"""
