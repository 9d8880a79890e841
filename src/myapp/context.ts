import type { PlatformDefaults } from '../api/platform-defaults.ts'

/**
 * What the process configures, for the functions that answer a hook. Everything else in an answer
 * comes from the request; a sync also depends on the time.
 */
export interface Context {
  /**
   * The key of the digests of ConfigMaps and Secrets. Every replica of the hook has the same, and
   * nobody else has it. Without a key the digests contain no data of Secrets.
   */
  configDigestKey?: Buffer | undefined
  /**
   * Whether the hook sees the Secrets that pods use; true if undefined. If not, Metacontroller needs
   * no right to read Secrets: a missing Secret is not reported, and a changed one does not roll pods.
   */
  watchSecrets?: boolean | undefined
  /** What the platform sets for MyApps that do not. */
  platformDefaults?: PlatformDefaults | undefined
}

/** What the answer of a sync depends on besides its request. */
export interface TimedContext extends Context {
  /** The time of the request in milliseconds since 1970. */
  now: number
}
