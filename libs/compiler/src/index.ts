export { compileBackfill } from './backfill.js';
export type { BackfillScope } from './backfill.js';
export type { Chunk, EventScope } from './events.js';
export { SPINE, STATE_SUFFIX, carriedAs, compileDataset } from './dataset.js';
export type { Spine } from './dataset.js';
export { backfillColumns, framable } from './parts.js';
export type { Column } from './parts.js';
export { compileEventSpine } from './spine.js';
export type { EventSpineOptions } from './spine.js';
