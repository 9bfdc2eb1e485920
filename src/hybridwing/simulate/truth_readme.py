"""Text of ``truth/README.txt`` in a simulated collection."""

README = """SIMULATED SPECIMENS

Nothing here is a photograph of an animal. The images, genotypes, records and web addresses were made by
hybridwing.simulate; the record numbers (9000001 and up) and the specimen numbers (SIM...) are invented and
lead nowhere. Do not publish results on these images as results on butterflies. If you use them, cite the
hybridwing software and say that they are simulated.

truth.csv: one row an image
  filename, CAMID          as in the other tables
  species                  A (like Heliconius erato) or B (like H. melpomene)
  subspecies, cross        one of the two is filled; a cross is written mother x father
  generation               pure, F1, F2, or first back-cross (BC1) to the first or second parent of the cross
  split, in_val            train or test; whether the row is in ref_val.csv too
  ssp_indicator, hybrid    major, minor or mimic; True for hybrids
  hybrid_index             share of all simulated alleles that descend from the second parent, 0 to 1
  looks_like_parent        True where the set of pattern elements is that of a pure parent (the pure: always)
  elements                 the pattern elements that show
  optix ... ro             the two alleles at every pattern locus, in alphabetical order
  band_size ... wing_aspect  quantitative traits, in standard deviations; iridescence from 0 to 1
  record                   the (invented) source record
  side, detached           dorsal or ventral; whether the wings lie apart
  centre_x, centre_y, span shares of the picture's width (centre_y: height); span is the length of a forewing
  rotation, opening        degrees, counter-clockwise; how far the forewings are raised
  wear                     0 fresh to 1 torn and faded

masks/<filename without extension>.png: one byte a pixel (indexed; the palette is for reading by eye)
  value & 7                part: 0 background, 1 left forewing, 2 right forewing, 3 left hindwing,
                           4 right hindwing, 5 body; left and right as seen in the picture
  value >> 3               element: 0 ground, 1 red band, 2 yellow band, 3 white band, 4 dennis, 5 ray,
                           6 yellow bar, 7 yellow line, 8 white margin, 9 red spot at the base of the
                           hindwing's underside
  Veins are drawn over the elements in the photograph and are not in the mask.
"""
