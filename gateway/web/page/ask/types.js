/**
 * What a question is made of: the spec of docs/aggregation.md as JSON.
 *
 * @typedef {string | number} Column a name in the header, or a position from 1
 *
 * @typedef {object} Group
 * @property {Column} column
 * @property {string} [name]
 * @property {string} [truncate]
 * @property {string} [part]
 * @property {number[]} [substring]
 * @property {string} [match]
 * @property {string} [case]
 * @property {boolean} [trim]
 * @property {string} [normalize]
 *
 * @typedef {{[operator: string]: Column[]}} Arithmetic
 *
 * @typedef {object} Aggregate
 * @property {string} function
 * @property {Column | Arithmetic} [column]
 * @property {string} [name]
 * @property {string} [type]
 * @property {string} [empty]
 * @property {Filter} [where]
 * @property {number} [p]
 * @property {string} [separator]
 * @property {string[]} [of]
 *
 * @typedef {string | number} Value
 *
 * @typedef {object} Condition
 * @property {Column} column
 * @property {string} op
 * @property {Value | Value[]} [value]
 * @property {string} [type]
 *
 * @typedef {{and: Filter[]} | {or: Filter[]}} Junction
 * @typedef {{not: Filter}} Negation
 * @typedef {Condition | Junction | Negation} Filter
 *
 * @typedef {object} Order
 * @property {string} column
 * @property {boolean} [descending]
 *
 * @typedef {{[name: string]: unknown}} Input how the file is written
 *
 * @typedef {object} Aggregation
 * @property {(Column | Group)[]} [group_by]
 * @property {Aggregate[]} [aggregates]
 * @property {Filter} [where]
 * @property {Filter} [having]
 * @property {(string | Order)[]} [order_by]
 * @property {number} [limit]
 * @property {string} [output]
 * @property {{escape_formulas?: boolean}} [output_options]
 * @property {string} [on_warning]
 * @property {Input} [input]
 *
 * @typedef {object} Question an aggregation with every part, as a person edits it
 * @property {Group[]} group_by
 * @property {Aggregate[]} aggregates
 * @property {Filter | null} where
 * @property {Filter | null} having
 * @property {Order[]} order_by
 * @property {number | null} limit
 * @property {string} output
 * @property {boolean} escape_formulas
 * @property {boolean} strict whether a warning fails the job
 * @property {Input} input what a person has declared
 *
 * @typedef {object} ColumnView a column of an inspection
 * @property {number} position
 * @property {string} name
 * @property {"integer" | "number" | "date" | "text" | "empty"} type
 * @property {number} empty
 * @property {string[]} samples
 *
 * @typedef {object} ProblemView a bad record
 * @property {number | null} line
 * @property {number | null} column
 * @property {string | null} name
 * @property {string} found
 * @property {string} expected
 *
 * @typedef {object} Inspection the answer of `POST /api/v1/inspections`
 * @property {Input} input
 * @property {string} header_reason
 * @property {boolean} bom
 * @property {boolean} sep_line
 * @property {string[]} line_ends
 * @property {number} column_count
 * @property {ColumnView[]} columns
 * @property {number} rows
 * @property {number} rows_of_several_lines
 * @property {number} most_lines
 * @property {string[]} notes
 * @property {import("../jobs/api.js").FileWarning[]} warnings
 * @property {Aggregation | null} proposal
 * @property {string[]} proposal_reasons
 * @property {number} bytes
 * @property {boolean} whole
 * @property {number} problem_count
 * @property {ProblemView[]} problems
 * @property {string | null} error
 * @property {boolean | null} fits
 * @property {string | null} misfit
 * @property {string[] | null} output_columns
 * @property {string | null} misfit_field
 * @property {boolean} default_fits
 * @property {{line: number, cells: string[]}[]} sample_rows
 * @property {string[]} [sheets] of a workbook: the names of its sheets, in their order. In `input`,
 *   `sheet` is null if one is to be chosen
 * @property {string[]} [visible] those that are not hidden
 */

export {};
