import { Field, Int, ObjectType } from '@nestjs/graphql';
import { Timestamp } from '../schema/scalars.js';

@ObjectType({ description: 'A feature as declared.' })
export class FeatureInfo {
  @Field(() => String)
  name!: string;

  @Field(() => String, { description: 'As in the declaration, such as int64, array<string> or map<string, int64>.' })
  type!: string;

  @Field(() => String, { description: 'Aggregate, filter, window and source in words, of a derived feature its formula.' })
  description!: string;
}

@ObjectType()
export class FeatureViewStatus {
  @Field(() => String)
  name!: string;

  @Field(() => String)
  entity!: string;

  @Field(() => String, { description: 'The hash of all that gives the values their meaning.' })
  version!: string;

  @Field(() => [FeatureInfo])
  features!: FeatureInfo[];

  @Field(() => Timestamp, { nullable: true, description: 'The online rows are as of this instant; null: never materialised.' })
  asOf!: number | null;

  @Field(() => Int, { description: 'Entities that had a row when the view was last materialised; those that came since with their events are not counted.' })
  rows!: number;
}

@ObjectType({ description: 'What is served, and how fresh it is.' })
export class ServingStatus {
  @Field(() => String)
  snapshotId!: string;

  @Field(() => Timestamp, { nullable: true })
  appliedAt!: number | null;

  @Field(() => [FeatureViewStatus])
  featureViews!: FeatureViewStatus[];
}

@ObjectType()
export class FeatureServiceInfo {
  @Field(() => String)
  name!: string;

  @Field(() => String, { description: 'The root field that reads it; the one for many is this with Batch at its end.' })
  field!: string;

  @Field(() => [String])
  entities!: string[];

  @Field(() => [FeatureInfo])
  features!: FeatureInfo[];
}
