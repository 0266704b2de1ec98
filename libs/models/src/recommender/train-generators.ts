import type { Generator, JobOptions } from '@granary/contracts';
import type { RetrievalModel } from '../artifacts/model-files.js';
import type { Interactions } from '../interactions.js';
import { trainEase } from '../retrieval/ease.js';
import { trainItemToItem } from '../retrieval/item-to-item.js';
import { trainTrending } from '../retrieval/trending.js';

/** Trains the declared generators, in their order. `asOf`: the instant that trending counts back from, epoch ms. */
export async function trainGenerators(interactions: Interactions, generators: readonly Generator[], asOf: number, options: JobOptions = {}): Promise<RetrievalModel[]> {
  const models: RetrievalModel[] = [];
  for (const generator of generators) models.push(await trainGenerator(interactions, generator, asOf, options));
  return models;
}

async function trainGenerator(interactions: Interactions, generator: Generator, asOf: number, options: JobOptions): Promise<RetrievalModel> {
  switch (generator.kind) {
    case 'trending':
      return trainTrending(interactions, { halfLifeMs: generator.halfLifeMs, asOf });
    case 'itemToItem':
      return trainItemToItem(interactions, { neighbours: generator.neighbours, shrinkage: generator.shrinkage, ...options });
    case 'ease':
      return trainEase(interactions, { lambda: generator.lambda, ...options });
  }
}
