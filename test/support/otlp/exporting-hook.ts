import type { Test } from 'tap'
import { spansIn } from './data.ts'
import { type ExportingHook, startExportingHook } from './hook.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/** Exports at short intervals in JSON, and refuses no request on a busy machine. */
const soon = {
  MAX_EVENT_LOOP_DELAY_MS: '0',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_BSP_SCHEDULE_DELAY: '50',
  OTEL_BLRP_SCHEDULE_DELAY: '50',
  OTEL_METRIC_EXPORT_INTERVAL: '100',
}

/** Starts the built hook and a receiver of its exports. */
export async function startBoth(
  t: Test,
  environment: Record<string, string> = {},
): Promise<{ receiver: Receiver; hook: ExportingHook }> {
  const receiver = await startReceiver()
  t.teardown(() => receiver.close())
  const hook = await startExportingHook(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    ...soon,
    ...environment,
  })
  return { receiver, hook }
}

/** Waits for `count` spans. Returns all spans received. */
export const spans = (receiver: Receiver, count: number) =>
  receiver.until((exports) => {
    const found = spansIn(exports)
    return found.length >= count && found
  })
