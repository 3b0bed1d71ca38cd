/** Each row goes to the first that asked for it: a racer of the same batch must not win with the first one's row. */
export function verdicts(ids, rows) {
  const won = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => {
    const row = won.get(id);
    won.delete(id);
    return row;
  });
}
