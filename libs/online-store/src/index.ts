export { createRowCodec } from './codec.js';
export type { Row, RowCodec } from './codec.js';
export type { RowSchema } from './layout.js';
export { rowKey, rowKeys } from './keyspace.js';
export { openOnlineStore } from './open.js';
export type { OnlineStoreOptions } from './open.js';
export type { Appended, FrameRow, MemorySample, OnlineStore, PackedRow, SampleLimits, WriteResult } from './store.js';
export { viewRowSchema, watermarkName } from './view-row.js';
export type { ViewWatermark } from './view-row.js';
