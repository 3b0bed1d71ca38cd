export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function whole(value) {
  return String(Math.round(value));
}

export function ms(value) {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}
