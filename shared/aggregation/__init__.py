"""What to compute: the value, its JSON, and its meaning for the columns of a file.

    spec            the aggregation as a value: columns by name or position
    functions       the table of aggregate functions
    patterns        regular expressions, as programs for the kernel
    formats         the table of output formats
    kinds, cells    the kinds of cells, and how numbers and dates are read
    json_codec      an aggregation as JSON: the spec, and the text that is stored
    json_reader     read and check the spec that a client sends (models: json_model, json_input)
    json_version_1  read what older versions stored
    resolve         find the columns of an aggregation in a header

docs/aggregation.md describes what every part means.
"""
