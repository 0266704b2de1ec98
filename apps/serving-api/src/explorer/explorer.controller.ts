import { Controller, Get, Header, Headers, Inject, NotFoundException, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { SERVED } from '../tokens.js';
import type { Served } from '../tokens.js';
import { explorerAsset } from './assets.js';
import { EXPLORER_POLICY, explorerPage, explorerScript } from './page.js';

/** A page to try queries on, all of it from here: it works without internet. */
@Controller()
export class ExplorerController {
  constructor(@Inject(SERVED) private readonly served: Served) {}

  @Get(['/', 'explorer'])
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', EXPLORER_POLICY)
  @Header('x-content-type-options', 'nosniff')
  page(): string {
    return explorerPage();
  }

  @Get('explorer/start.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  @Header('cache-control', 'no-cache')
  script(): string {
    return explorerScript(this.served.examples());
  }

  @Get('explorer/assets/:name')
  async asset(@Param('name') name: string, @Headers('accept-encoding') encodings: string | undefined, @Headers('if-none-match') known: string | undefined, @Res() reply: FastifyReply): Promise<void> {
    const asset = await explorerAsset(name);
    if (asset === null) throw new NotFoundException();
    void reply.headers({ etag: asset.etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff', vary: 'accept-encoding' }).type(asset.type);
    if (known === asset.etag) return void reply.code(304).send();
    if (/\bgzip\b/.test(encodings ?? '')) return void reply.header('content-encoding', 'gzip').send(asset.zipped);
    return void reply.send(asset.plain);
  }
}
