import { writeFileSync } from 'node:fs';
import { CASES, goldenText } from './cases.js';

/** `npx tsc -b tests && node tests/dist/golden/write.js`: writes the golden files anew; read what changed before you commit. */
for (const each of CASES) writeFileSync(new URL(`../../golden/${each.name}.sql`, import.meta.url), goldenText(each));
console.log(`${CASES.length} statements written`);
