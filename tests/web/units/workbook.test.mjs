/** Workbooks as the page looks at them before they are sent. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";

import { fieldsOf } from "../../../gateway/web/page/ask/dialect_fields.js";
import { Workbook } from "../../../gateway/web/page/ask/workbook.js";
import {
  asCsv,
  attribute,
  datedStyles,
  rowsOf,
  sharedTexts,
} from "../../../gateway/web/page/ask/workbook_cells.js";

const PLAIN = { texts: ["Ä & b", "two\nlines"], dated: ["", "date", "duration"], decimal: "." };
const NOTATION = { ...PLAIN, from1904: false };
const rows = (markup, whole = true, notation = NOTATION) => rowsOf(markup, whole, notation);

/** A zip archive of parts, deflated or stored in turn. */
function zip(parts) {
  const local = [];
  const directory = [];
  let offset = 0;
  for (const [number, [name, text]] of Object.entries(parts).entries()) {
    const method = number % 2 ? 0 : 8;
    const content = method ? deflateRawSync(text) : Buffer.from(text);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(content.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    local.push(header, Buffer.from(name), content);
    directory.push(entry, Buffer.from(name));
    offset += 30 + name.length + content.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return new Blob([...local, entries, end, "a comment"]);
}

const TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const BOOK = {
  "xl/workbook.xml":
    '<workbook><sheets><sheet name="A &amp; &gt; B" sheetId="1" r:id="r1"/>' +
    '<sheet name="Chart" sheetId="2" r:id="r2"/><sheet name="a>b" state="hidden" r:id="r3"/>' +
    "</sheets></workbook>",
  "xl/_rels/workbook.xml.rels":
    `<Relationships><Relationship Id="r1" Type="${TYPE}/worksheet" Target="worksheets/one.xml"/>` +
    `<Relationship Id="r2" Type="${TYPE}/chartsheet" Target="chartsheets/two.xml"/>` +
    `<Relationship Id="r3" Type="${TYPE}/worksheet" Target="/xl/worksheets/three.xml"/>` +
    "</Relationships>",
  "xl/sharedStrings.xml": "<sst><si><t>k</t></si><si><t>n</t></si></sst>",
  "xl/worksheets/one.xml":
    '<sheetData><row><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>' +
    '<row><c r="B2"><v>1.5</v></c></row></sheetData>',
  "xl/worksheets/three.xml":
    '<sheetData><row><c t="inlineStr"><is><t>x</t></is></c></row></sheetData>',
};

test("a workbook has the sheets that are tables, and each is read as CSV", async () => {
  const book = await Workbook.of(zip(BOOK));
  assert.deepEqual(
    book.sheets.map(({ name, visible }) => [name, visible]),
    [
      ["A & > B", true],
      ["a>b", false],
    ],
  );
  assert.equal(book.sheet(undefined), book.sheets[0], "the only one that is visible");
  assert.equal(book.sheet("a>b"), book.sheets[1]);
  assert.equal(book.sheet(2), book.sheets[1]);
  assert.equal(book.sheet("c"), null);
  const start = (sheet, limit) => book.start(sheet, { decimal: ",", limit });
  assert.deepEqual(await start(book.sheets[0], 99), { text: 'k,n\n,"1,5"\n', whole: true });
  assert.deepEqual(await start(book.sheets[0], 5), { text: "k,n\n", whole: false });
  assert.deepEqual(await start(book.sheets[1], 99), { text: "x\n", whole: true });
});

test("of several visible sheets one is to be chosen", async () => {
  const visible = BOOK["xl/workbook.xml"].replace(' state="hidden"', "");
  const book = await Workbook.of(zip({ ...BOOK, "xl/workbook.xml": visible }));
  assert.equal(book.sheet(undefined), null);
});

test("what is no workbook is left to the service", async () => {
  assert.equal(await Workbook.of(new Blob(["PK\u0003\u0004", "x".repeat(100)])), null);
  assert.equal(await Workbook.of(new Blob([])), null);
  assert.equal(await Workbook.of(zip({ "a.csv": "a\n1\n" })), null);
  const { "xl/_rels/workbook.xml.rels": _, ...without } = BOOK;
  assert.equal(await Workbook.of(zip(without)), null);
});

test("cells are texts as a job reads them", () => {
  const cells = [
    ['<c t="s"><v>0</v></c>', "Ä & b"],
    ['<c t="s"><v>7</v></c>', ""],
    ['<c t="str"><f>A1</f><v>&lt;x&#62;</v></c>', "<x>"],
    ['<c t="b"><v>1</v></c>', "TRUE"],
    ['<c t="e"><v>#N/A</v></c>', "#N/A"],
    ["<c><v>1e21</v></c>", "1000000000000000000000"],
    ["<c><v>2.5E-7</v></c>", "0.00000025"],
    ['<c s="1"><v>46356</v></c>', "2026-11-30"],
    ['<c s="1"><v>46356.503483796296</v></c>', "2026-11-30T12:05:01"],
    ['<c s="1"><v>0.395833333333333</v></c>', "09:30:00"],
    ['<c s="2"><v>1.25138888888889</v></c>', "30:02:00"],
    ['<x:c t="inlineStr"><x:is><x:r><x:t>a</x:t></x:r><x:r><x:t>b</x:t></x:r></x:is></x:c>', "ab"],
  ];
  for (const [markup, text] of cells) {
    assert.deepEqual(rows(`<row>${markup}<c t="b"><v>0</v></c></row>`), [[text, "FALSE"]], markup);
  }
  const from1904 = rows('<row><c s="1"><v>0</v></c><c s="1"><v>1</v></c></row>', true, {
    ...NOTATION,
    from1904: true,
  });
  assert.deepEqual(from1904, [["00:00:00", "1904-01-02"]]);
});

test("rows have the places of their cells, and rows without a value are passed over", () => {
  const markup =
    '<row r="1"><c r="B1"><v>1</v></c><c r="D1"/></row><row r="2"/><row r="3"><c r="A3" t="s"><v/></c></row>' +
    '<row r="4"><c r="A4"><v>2</v></c></row><row r="5"><c r="A5"><v>3</v></c><c r="AA5"><v>4</v></c></row>';
  const wide = ["3", ...Array(25).fill(""), "4"];
  assert.deepEqual(rows(markup), [["", "1"], ["2", ""], wide]);
  assert.deepEqual(
    rows(markup, false),
    [
      ["", "1"],
      ["2", ""],
    ],
    "the last row may be cut off",
  );
});

test("shared texts have no pronunciations, and styles tell dates", () => {
  const texts = sharedTexts(
    "<sst><si><t>a</t><rPh><t>x</t></rPh><t>b</t></si><si/><si><t xml:space='preserve'> c </t></si></sst>",
  );
  assert.deepEqual(texts, ["ab", "", " c "]);
  const styles = datedStyles(
    '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm"/>' +
      '<numFmt numFmtId="165" formatCode="0.0&quot; days&quot;"/>' +
      '<numFmt numFmtId="166" formatCode="[Red]0"/><numFmt numFmtId="167" formatCode="[h]:mm"/></numFmts>' +
      '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>' +
      '<xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="167"/></cellXfs>' +
      '<dxfs><xf numFmtId="14"/></dxfs></styleSheet>',
  );
  assert.deepEqual(styles, ["", "date", "date", "", "", "duration"]);
  assert.equal(attribute("name='a&quot;b' x:id=\"7\"", "name"), 'a"b');
  assert.equal(attribute('rname="x"', "name"), "");
});

test("rows are CSV up to a number of bytes", () => {
  const found = asCsv(
    [
      ['a,"b"', "é"],
      ["x\ny", ""],
    ],
    99,
  );
  assert.deepEqual(found, { text: '"a,""b""",é\n"x\ny",\n', count: 2 });
  assert.equal(asCsv([["é"], ["é"]], 5).count, 1);
});

test("hostile markup takes no long time", () => {
  const many = 200_000;
  for (const piece of ["<row>", "<c ", "<c><v>", "<si>", "<rPh>", "<si><rPh>", "<numFmt ", "<"]) {
    const markup = piece.repeat(many);
    assert.ok(rows(`<row>${markup}`).length <= 1);
    assert.ok(sharedTexts(markup).length <= many);
    assert.deepEqual(datedStyles(`<cellXfs>${markup}`), []);
  }
});

test("a workbook has a choice of its sheets, and no fields of text files", () => {
  const [sheet, ...others] = fieldsOf(["One", "Two"]);
  assert.deepEqual([sheet.key, sheet.values], ["sheet", ["One", "Two"]]);
  const keys = others.map(({ key }) => key);
  assert.ok(keys.includes("header") && keys.includes("decimal"));
  assert.ok(!keys.includes("delimiter") && !keys.includes("sheet"));
  assert.ok(fieldsOf(null).some(({ key }) => key === "delimiter"));
});
