"""What is measured of a judge: bias, calibration, attacks, the report and its marks."""
