/** GRANARY_PROVE_SECONDS: how long events and reads go on beside each other before they are proven. Default 4; 300 for a long run. */
export const proveSeconds = Number(process.env['GRANARY_PROVE_SECONDS'] ?? 4);
