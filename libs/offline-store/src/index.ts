export { OfflineStore } from './store.js';
export type { EmbeddedOptions, OfflineStoreOptions, ServerOptions, StatementLimits } from './options.js';
export type { StatementOptions } from './statements.js';
export type { Cell, Row } from './decode.js';
export type { AppendResult, EventRow } from './events/append.js';
export type { QuarantinedRow, Reject } from './events/quarantine.js';
export type { ExportResult } from './export/export-parquet.js';
export type { TableDefinition } from './tables.js';
