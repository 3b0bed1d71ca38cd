export type Render = (variables: object) => string;

type Value = object | string | number | boolean | null | undefined;

/** Stands where a value will be: in no template, and nothing escapes it. */
const MARK = /\u0001(\d+)\u0002/;
/** Shapes to remember of one template; there are a handful. */
const MOST = 50;

/**
 * Templates can only show variables and ask whether they are there. So the text around the values depends on nothing but
 * which of them are there, the shape: per shape a template is rendered once, with marks, which are filled in from then on.
 */
export function renderedByShape(render: Render, escape: (text: string) => string): Render {
  const known = new Map<string, readonly string[]>();
  return (variables) => {
    const values: string[] = [];
    const shape = shapeOf(variables, values);
    let pieces = known.get(shape);
    if (!pieces) {
      pieces = render(marked(variables)).split(MARK);
      if (known.size >= MOST) known.clear();
      known.set(shape, pieces);
    }
    const escaped: string[] = [];
    // Text and the numbers of values take turns.
    return pieces
      .map((piece, index) => (index % 2 === 0 ? piece : (escaped[Number(piece)] ??= escape(values[Number(piece)]!))))
      .join('');
  };
}

/** @param values what is there is added. @returns the names of it, and what is not there as it is */
function shapeOf(variables: object, values: string[]): string {
  let shape = '';
  for (const [name, value] of Object.entries(variables) as [string, Value][]) {
    if (typeof value === 'object' && value !== null) shape += `${name}{${shapeOf(value, values)}}`;
    else if (value) {
      values.push(String(value));
      shape += `${name}+`;
    } else shape += `${name}=${String(value)};`;
  }
  return shape;
}

/** The variables with marks in the place of the values, in the same order. */
function marked(variables: object, count = { so: 0 }): object {
  const marks: Record<string, Value> = {};
  for (const [name, value] of Object.entries(variables) as [string, Value][]) {
    if (typeof value === 'object' && value !== null) marks[name] = marked(value, count);
    else marks[name] = value ? `\u0001${count.so++}\u0002` : value;
  }
  return marks;
}
