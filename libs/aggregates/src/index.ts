export { ageRange } from './window.js';
export type { AgeRange } from './window.js';
export { compareValues } from './compare.js';
export { evaluate, literalValue, matches } from './evaluate.js';
export type { Row } from './evaluate.js';
export { partsOf, viewParts } from './parts.js';
export type { Part, PartRole } from './parts.js';
export { emptyParts, finish, foldRequest } from './fold.js';
