import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { ExplorerController } from './explorer/explorer.controller.js';
import { HealthController } from './health/health.controller.js';
import { StatusResolver } from './status/status.resolver.js';

/** The one module: routes and the code-first part of the schema; what they need is handed in. */
@Module({})
export class AppModule {
  static of(graphql: ApolloDriverConfig, providers: readonly Provider[]): DynamicModule {
    return {
      module: AppModule,
      imports: [GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, ...graphql })],
      controllers: [HealthController, ExplorerController],
      providers: [StatusResolver, ...providers],
    };
  }
}
