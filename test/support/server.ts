import { pino } from 'pino'
import { readConfig } from '../../src/config.ts'
import { buildServer, type Dependencies } from '../../src/server.ts'
import { noServerMetrics } from '../../src/telemetry/requests/metrics.ts'
import { context } from './fixtures/context.ts'

/** The server of the hooks, without a log and metrics unless `dependencies` has them. */
export const serverFor = (
  environment: Record<string, string>,
  dependencies: Partial<Dependencies> = {},
) =>
  buildServer(readConfig(environment), {
    logger: pino({ level: 'silent' }),
    isReady: () => true,
    context,
    metrics: noServerMetrics,
    ...dependencies,
  })
