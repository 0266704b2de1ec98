/** Labels are 1 or 0, scores greater for more likely; both of one length. */
export type Labels = ArrayLike<number>;

interface Group {
  readonly positives: number;
  readonly size: number;
}

/** Groups of equal scores, greatest first: examples that a threshold can't tell apart. */
function groupsByScore(labels: Labels, scores: ArrayLike<number>): Group[] {
  if (labels.length !== scores.length) throw new Error(`${labels.length} labels, ${scores.length} scores`);
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const groups: Group[] = [];
  for (let i = 0; i < order.length; ) {
    const score = scores[order[i]!]!;
    const start = i;
    let positives = 0;
    for (; i < order.length && scores[order[i]!] === score; i++) positives += labels[order[i]!]!;
    // NaN equals nothing, not even itself: it would never leave this place.
    if (i === start) throw new Error(`A score is ${score}`);
    groups.push({ positives, size: i - start });
  }
  return groups;
}

/** Σ over thresholds of (recall − recall before) · precision; examples of equal score enter together. NaN without positives. */
export function averagePrecision(labels: Labels, scores: ArrayLike<number>): number {
  let seen = 0;
  let found = 0;
  let sum = 0;
  for (const group of groupsByScore(labels, scores)) {
    seen += group.size;
    found += group.positives;
    sum += group.positives * (found / seen);
  }
  return sum / found;
}

/** The chance that a random positive scores above a random negative, ties counting half. NaN when either is absent. */
export function rocAuc(labels: Labels, scores: ArrayLike<number>): number {
  let positives = 0;
  let negatives = 0;
  let wins = 0;
  for (const group of groupsByScore(labels, scores)) {
    const groupNegatives = group.size - group.positives;
    wins += groupNegatives * (positives + group.positives / 2);
    positives += group.positives;
    negatives += groupNegatives;
  }
  return wins / (positives * negatives);
}

/** Mean of (probability − label)². */
export function brierScore(labels: Labels, probabilities: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) sum += (probabilities[i]! - labels[i]!) ** 2;
  return sum / labels.length;
}

/** Mean of −ln(probability of what happened), with probabilities kept 1e-15 away from 0 and 1. */
export function logLoss(labels: Labels, probabilities: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    const p = Math.min(1 - 1e-15, Math.max(1e-15, probabilities[i]!));
    sum -= labels[i] === 1 ? Math.log(p) : Math.log(1 - p);
  }
  return sum / labels.length;
}
