/** Where public data sets lie for tests that need them; such tests are skipped where it is absent. Relative to the package. */
export const testDataFolder = process.env['GRANARY_TEST_DATA'] ?? '../../../shared/data';
