"""What to compute: the value, its JSON, and its meaning for a given header.

    spec     the value, as a client means it: columns by name or position
    wire     the JSON that clients send -> the value, strictly
    wire_encoder  the value -> that JSON
    rows     the value <-> the text in which jobs and uploads keep it
    resolve  the value and a file's header -> columns by number, every output named
    cells    numbers and dates in a file's text

What the parts mean is said in docs/csv.md.
"""
