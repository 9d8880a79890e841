import { open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import pretty from 'pino-pretty'
import { prettyOptions } from '../src/logger.ts'

/** Prints new lines of the hook's log in a readable form, until `signal` aborts. */
export async function followLog(file: string, signal: AbortSignal): Promise<void> {
  const lines = pretty({ ...prettyOptions, colorize: process.stdout.isTTY, sync: true })
  let { size: position } = await stat(file)
  const log = await open(file)
  try {
    while (await sleep(100, true, { signal }).catch(() => false)) {
      const { bytesRead, buffer } = await log.read({ position })
      position += bytesRead
      if (bytesRead > 0) lines.write(buffer.subarray(0, bytesRead))
    }
  } finally {
    lines.end()
    await log.close()
  }
}
