import {
  ConfigurableModuleBuilder,
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { EmbeddedGateway, type HoldfastOptions } from './embedded-gateway.js';
import { Holdfast } from './holdfast.js';
import { HoldfastTransport } from './holdfast-transport.js';

export interface HoldfastModuleExtras {
  /** Whether every module of the app can inject `Holdfast` without importing this one. Default false. */
  isGlobal?: boolean;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<HoldfastOptions>({
  moduleName: 'Holdfast',
})
  .setClassMethodName('forRoot')
  .setExtras<HoldfastModuleExtras>({ isGlobal: false }, (definition, { isGlobal }): DynamicModule => ({
    ...definition,
    global: isGlobal ?? false,
  }))
  .build();

/**
 * The gateway as a part of a Nest app: `HoldfastModule.forRoot({ config: 'gateway.yaml' })`, or `forRootAsync` with
 * `useFactory`, `inject`. Gives {@link Holdfast} to publish and look, and {@link HoldfastTransport} to connect the
 * app's handlers with. The gateway starts when every module is initialised and the transport, where the app has
 * connected it, listens; it stops with the app, before what `onApplicationShutdown` closes.
 */
@Module({
  providers: [
    {
      provide: EmbeddedGateway,
      useFactory: (options: HoldfastOptions) => new EmbeddedGateway({ ...options, waitsForApp: true }),
      inject: [MODULE_OPTIONS_TOKEN],
    },
    {
      provide: HoldfastTransport,
      useFactory: (gateway: EmbeddedGateway) => new HoldfastTransport(gateway),
      inject: [EmbeddedGateway],
    },
    Holdfast,
  ],
  exports: [Holdfast, HoldfastTransport],
})
export class HoldfastModule
  extends ConfigurableModuleClass
  implements OnApplicationBootstrap, BeforeApplicationShutdown
{
  constructor(
    @Inject(EmbeddedGateway) private readonly gateway: EmbeddedGateway,
    @Inject(HoldfastTransport) private readonly transport: HoldfastTransport,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    super();
  }

  async onApplicationBootstrap(): Promise<void> {
    let connected = false;
    this.modules
      .getRpcTargetRegistry()
      .subscribe((target) => (connected ||= target === this.transport))
      .unsubscribe();
    await this.gateway.appIsReady(connected);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.gateway.stop();
  }
}
