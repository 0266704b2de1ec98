export type Settings = Readonly<Record<string, string | number | boolean>>;

/** The same on every statement, so that no result depends on who used the connection before. */
export function baseSettings(limits: { readonly maxExecutionSeconds: number; readonly maxMemoryBytes: number }): Settings {
  return Object.freeze({
    // A row that a join did not find is null, never zero.
    join_use_nulls: 1,
    // A naive timestamp is UTC, wherever the server stands.
    session_timezone: 'UTC',
    max_execution_time: limits.maxExecutionSeconds,
    max_memory_usage: String(limits.maxMemoryBytes),
    ...spilling(limits.maxMemoryBytes),
    // What JSON can't hold exactly travels as text and is decoded by the column's type.
    output_format_json_quote_64bit_integers: 1,
    output_format_json_quote_decimals: 1,
    output_format_json_quote_denormals: 1,
    date_time_output_format: 'iso',
    // A chain of comparisons of one number stays one: made into IN it compares bytes, and to it -0 is not 0.
    optimize_min_equality_disjunction_chain_length: LONGEST_CHAIN,
    optimize_min_inequality_conjunction_chain_length: LONGEST_CHAIN,
    ...COMPILING,
  });
}

const LONGEST_CHAIN = 2 ** 32 - 1;

/**
 * From the hundredth use on, not the third, expressions become machine code: that takes 40 to 80 ms of a statement, and a
 * million rows are no faster for it.
 */
const COMPILING: Settings = { min_count_to_compile_expression: 100, min_count_to_compile_aggregate_expression: 100, min_count_to_compile_sort_description: 100 };

/** From here on sorts, groups and joins go on in temporary files beside the data: a third of the limit, as several may grow in one statement. */
function spilling(maxMemoryBytes: number): Settings {
  if (maxMemoryBytes === 0) return {};
  const bytes = String(Math.floor(maxMemoryBytes / 3));
  // What an INSERT gathers before it writes; ClickHouse's own 256 MB under the default limit.
  const block = String(Math.min(268_402_944, Math.floor(maxMemoryBytes / 16)));
  return { max_bytes_before_external_sort: bytes, max_bytes_before_external_group_by: bytes, max_bytes_before_external_join: bytes, min_insert_block_size_bytes: block };
}
