import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';
import type { Logger } from 'pino';
import { GatewayView, ReadController } from './console/index.js';
import type { HttpSettings } from './domain/settings.js';
import { Publisher, PublishController } from './publish/index.js';
import { AuthGuard, FaultLog, HttpAccess, ProblemFilter } from './rest/index.js';

/** What the REST surface is made of; the gateway binds it. */
export interface AppParts {
  publisher: Publisher;
  view: GatewayView;
  http: HttpSettings;
  logger: Logger;
}

/** The REST surface: binds the rooms' controllers to the running gateway. */
@Module({})
export class AppModule {
  static of({ publisher, view, http, logger }: AppParts): DynamicModule {
    const faults: FaultLog = { fault: (error) => logger.error({ err: error }, 'a request failed inside the gateway') };
    return {
      module: AppModule,
      imports: [
        LoggerModule.forRoot({
          // Requests are told at debug level: at info they would drown what an operator looks for.
          pinoHttp: { logger, customLogLevel: () => 'debug' },
        }),
      ],
      controllers: [PublishController, ReadController],
      providers: [
        { provide: Publisher, useValue: publisher },
        { provide: GatewayView, useValue: view },
        { provide: HttpAccess, useValue: http },
        { provide: FaultLog, useValue: faults },
        { provide: APP_GUARD, useClass: AuthGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
