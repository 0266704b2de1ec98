import type { Snapshot } from '@granary/contracts';
import { fraudFeatures, payments as paymentsSource, scoreTransaction } from '@granary/feature-defs/payments/features';
import { payments, type Payment } from '@granary/feature-defs/payments/simulator';
import { snapshotOf } from './declarations.js';

export const DAY = 86_400_000;
/** Of the smallest size; a customer pays about 350 times in the 183 days, whatever the size. */
const CUSTOMERS = 143;

/** The real definitions of feature-defs/payments. */
export function paymentsSnapshot(): Snapshot {
  return snapshotOf(scoreTransaction, fraudFeatures, paymentsSource);
}

/** About scale × 50,000 payments: more customers and terminals, each with the same history. `quick`: about 4,000. */
export function simulate(scale: number, quick: boolean): Payment[] {
  return [...payments({ seed: 1, customers: quick ? 12 : CUSTOMERS * scale })];
}
