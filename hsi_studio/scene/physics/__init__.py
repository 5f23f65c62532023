"""The physics behind the simulated scene: leaves, canopies, soils, water, roofs, light and a sensor.

Every module names the published equations it implements. Spectra are computed on a 5-nm grid from 400 to
2500 nm and then seen through the sensor's bands. Absorption coefficients are our own smooth curves through
published band centres, not a measured table: good for demonstrations and tests, not for retrievals.
"""
