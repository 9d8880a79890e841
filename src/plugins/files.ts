import type { FastifyBaseLogger } from 'fastify'
import { readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Reads a file that a variable names.
 * @throws {Error} one line with variable, file and reason, if it cannot be read or is empty
 */
export function readFileOf(variable: string, file: string): string {
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`${variable}=${file} cannot be read (${code})`)
  }
  if (text.trim() === '') throw new Error(`${variable}=${file} is empty`)
  return text
}

/** The delay between a change and the reload, because several files may change together. */
const settleMs = 200
/** The interval between reloads without a watcher. */
const pollMs = 60_000

/**
 * Calls `reload` when files may have changed, and once at first, because they may have changed
 * before. Watches the folders of the files, because the kubelet replaces a symbolic link in the
 * folder. Logs an error of `reload`.
 * @returns a function that stops watching
 */
export function watchFiles(
  files: string[],
  reload: () => void,
  logger: FastifyBaseLogger,
): () => void {
  let due: NodeJS.Timeout | undefined
  const reloadSoon = () => {
    clearTimeout(due)
    due = setTimeout(() => {
      try {
        reload()
      } catch (error) {
        const reason = (error as Error).message
        logger.error({ reason }, 'cannot load changed files; the previous ones stay in use')
      }
    }, settleMs).unref()
  }
  const stops = [...new Set(files.map(dirname))].map((folder) => follow(folder, reloadSoon, logger))
  reloadSoon()
  return () => {
    clearTimeout(due)
    for (const stop of stops) stop()
  }
}

/** Calls `changed` when a file in a folder may have changed. Returns a function that stops it. */
function follow(folder: string, changed: () => void, logger: FastifyBaseLogger): () => void {
  let timer: NodeJS.Timeout | undefined
  const poll = (error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    logger.warn({ folder, code }, 'cannot watch a folder; its files are read every minute')
    timer ??= setInterval(changed, pollMs).unref()
  }
  const stopTimer = () => clearInterval(timer)
  try {
    const watcher = watch(folder, { persistent: false }, changed).on('error', poll)
    return () => {
      watcher.close()
      stopTimer()
    }
  } catch (error) {
    poll(error)
    return stopTimer
  }
}
