/** The first records of a file as a table, with the kinds of the columns. */

import { h } from "../core/element.js";
import { formatCount } from "../core/format.js";
import { ask as texts } from "../texts/ask.js";

/** @typedef {import("./types.js").Inspection} Inspection */

const COLUMNS = 60;
const ROWS = 5;

/**
 * Returns the table.
 * @param {Inspection} inspection
 * @param {{all: boolean, showAll: () => void}} options whether all records are shown that are known
 */
export function sampleTable(inspection, { all, showAll }) {
  const { columns, sample_rows: rows } = inspection;
  const shown = columns.slice(0, COLUMNS);
  const visible = all ? rows : rows.slice(0, ROWS);
  const more = inspection.column_count - shown.length;
  return h(
    "div",
    { class: "ask-sample" },
    h(
      "div",
      { class: "table-scroll", role: "region", tabindex: "0", "aria-label": texts.table.region },
      h(
        "table",
        { class: "ask-table" },
        h("caption", { class: "unseen" }, texts.table.caption),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h(
              "th",
              { scope: "col", class: "ask-line" },
              h("abbr", { title: texts.table.line }, "#"),
            ),
            shown.map((column) =>
              h(
                "th",
                { scope: "col", class: isNumber(column.type) ? "number" : "" },
                h("bdi", { class: "ask-name" }, column.name.trim() || texts.table.unnamed),
                h(
                  "span",
                  { class: `ask-type ask-type-${column.type}` },
                  texts.table.types[column.type] ?? column.type,
                ),
              ),
            ),
            more > 0 && h("th", { scope: "col" }, texts.table.moreColumns(formatCount(more))),
          ),
        ),
        h(
          "tbody",
          null,
          visible.map(({ line, cells }) =>
            h(
              "tr",
              null,
              h("th", { scope: "row", class: "ask-line" }, formatCount(line)),
              shown.map((column, index) => cell(cells[index] ?? "", column.type)),
              more > 0 && h("td", null, "…"),
            ),
          ),
        ),
      ),
    ),
    h(
      "p",
      { class: "hint ask-table-foot" },
      texts.table.summary(inspection.rows, inspection.column_count, inspection.whole),
      !all &&
        rows.length > visible.length &&
        h(
          "button",
          { type: "button", class: "small quiet", id: "ask-rows", onclick: showAll },
          texts.table.showAll(rows.length),
        ),
    ),
  );
}

/** @param {string} type */
function isNumber(type) {
  return type === "integer" || type === "number";
}

/**
 * @param {string} text
 * @param {string} type
 */
function cell(text, type) {
  const shown = text.replace(/\r\n|[\r\n]/g, "⏎");
  return h(
    "td",
    { class: isNumber(type) ? "number" : "", title: text.length > 30 ? text : null },
    shown === "" ? h("span", { class: "ask-none" }, texts.table.empty) : h("bdi", null, shown),
  );
}
