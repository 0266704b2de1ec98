const INDENT = '  ';

/** JSON whose parts stand on one line where they fit into `width` columns: readable by people, valid for programs. */
export function foldJson(value: unknown, width = 150, indent = ''): string {
  const flat = flatten(value);
  if (indent.length + flat.length <= width || typeof value !== 'object' || value === null) return flat;
  const deeper = indent + INDENT;
  const members = Array.isArray(value)
    ? value.map((each) => foldJson(each, width, deeper))
    : Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${foldJson(each, width, deeper)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${members.map((member) => deeper + member).join(',\n')}\n${indent}${close}`;
}

function flatten(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flatten).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${flatten(each)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
