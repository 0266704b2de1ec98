import { Inject } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { formatType, graphqlRootFields, type Feature, type VersionedView } from '@granary/contracts';
import type { FeatureReader } from '@granary/serving';
import { describeFeature, describeServed } from '../schema/describe.js';
import { READER, SERVED } from '../tokens.js';
import type { Served } from '../tokens.js';
import { FeatureServiceInfo, ServingStatus, type FeatureInfo } from './status.types.js';

@Resolver()
export class StatusResolver {
  constructor(
    @Inject(READER) private readonly reader: FeatureReader,
    @Inject(SERVED) private readonly served: Served,
  ) {}

  @Query(() => ServingStatus, { description: 'The registry snapshot that is served, its feature views and their freshness.' })
  async status(): Promise<ServingStatus> {
    const { snapshot } = this.reader;
    const freshness = new Map((await this.reader.freshness()).map((each) => [each.view, each]));
    return {
      snapshotId: snapshot.id,
      appliedAt: this.served.appliedAt,
      featureViews: snapshot.views.map((view) => ({
        name: view.name,
        entity: view.entity,
        version: view.version,
        features: view.features.map((feature) => featureInfo(feature, view)),
        asOf: freshness.get(view.name)?.asOf ?? null,
        rows: freshness.get(view.name)?.rows ?? 0,
      })),
    };
  }

  @Query(() => [FeatureServiceInfo], { description: 'The feature services that can be read.' })
  featureServices(): FeatureServiceInfo[] {
    return this.reader.snapshot.services.map((service) => {
      const { subjects, service: resolved } = this.reader.plan(service.name);
      return {
        name: service.name,
        field: graphqlRootFields(service)[0],
        entities: [...new Set(subjects.map((subject) => subject.name))],
        features: resolved.features.map((served) => ({ name: served.name, type: formatType(served.type), description: describeServed(served, resolved) })),
      };
    });
  }
}

function featureInfo(feature: Feature, view: VersionedView): FeatureInfo {
  return { name: feature.name, type: formatType(feature.type), description: describeFeature(feature, view) };
}
