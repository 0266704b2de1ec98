import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

const CODE = /\b(?:DEF|LEAK|KEY|TIME|HIST|SIZE|NAME|CYCLE)-\d{3}\b/g;

it('docs/reference/checks.md lists the codes that are in the code, no more and no fewer', () => {
  const src = join(process.cwd(), 'src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'));
  const inCode = files.flatMap((file) => readFileSync(join(src, file), 'utf8').match(CODE) ?? []);
  const listed = [...readFileSync(join(process.cwd(), '../../docs/reference/checks.md'), 'utf8').matchAll(/^\| `([A-Z]+-\d{3})` \|/gm)].map((match) => match[1]!);
  expect(listed.length).toBe(new Set(listed).size);
  expect([...listed].sort()).toEqual([...new Set(inCode)].sort());
});
