// The text of a circular buffer: perhaps lines with annotations and options, a header, a line of values for each row.

// Gives { times (seconds), columns: [{ name, unit, aggregation, values }], marks, stacked }, or null if the text is no such.
export function parse(text) {
  const lines = text.split("\n");
  let [marks, options, header, at] = [[], {}, null, 0];
  for (; at < lines.length && !header; at += 1) {
    let line;
    try {
      line = JSON.parse(lines[at]);
    } catch {
      return null;
    }
    if (line === null || typeof line !== "object") return null;
    if (Array.isArray(line.annotations)) marks = marks.concat(line.annotations);
    if (line.options) options = line.options;
    if (Array.isArray(line.column_info)) header = line;
  }
  if (!header || !(header.seconds_per_row > 0)) return null;
  const rows = lines.slice(at).filter((line) => line !== "");
  const times = rows.map((_, row) => header.time + row * header.seconds_per_row);
  const columns = header.column_info.map((info) => ({ ...info, values: [] }));
  for (const row of rows) {
    const cells = row.split("\t");
    columns.forEach((column, which) => {
      const value = Number(cells[which]);
      column.values.push(cells[which] === undefined || Number.isNaN(value) ? null : value);
    });
  }
  // A buffer that is not full yet begins with rows of nothing.
  const first = rows.findIndex((_, row) => columns.some((column) => column.values[row] !== null));
  if (first > 0) {
    times.splice(0, first);
    for (const column of columns) column.values.splice(0, first);
  }
  marks = marks
    .filter((mark) => Number.isFinite(mark.x))
    .map((mark) => ({ x: mark.x / 1000, short: String(mark.shortText ?? "•"), text: String(mark.text ?? ""), column: columns[mark.col - 1]?.name ?? "" }));
  return { times, columns, marks, stacked: Boolean(options.stackedGraph) };
}

// Columns upon each other: what is drawn, and how to get the real value back for the legend.
export function stack(columns) {
  const shown = columns.map(() => []);
  const rows = columns[0]?.values.length ?? 0;
  for (let row = 0; row < rows; row += 1) {
    let below = 0;
    columns.forEach((column, which) => {
      below += column.values[row] ?? 0;
      shown[which].push(below);
    });
  }
  return shown;
}
