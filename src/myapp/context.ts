import type { PlatformDefaults } from '../api/platform-defaults.ts'

/**
 * The configuration of the process for the functions of the hooks. Everything else in an answer
 * comes from the request. A sync also depends on the time.
 */
export interface Context {
  /**
   * The key of the digests of ConfigMaps and Secrets. All replicas of the hook share it, and it is
   * secret. Without a key the digests contain no data of Secrets.
   */
  configDigestKey?: Buffer | undefined
  /**
   * Whether the hook sees the Secrets of pods. Default: true. If false, Metacontroller reads no
   * Secrets for MyApps, a missing Secret is not reported, and a changed Secret does not roll pods.
   */
  watchSecrets?: boolean | undefined
  /** The platform's defaults for fields that a MyApp does not set. */
  platformDefaults?: PlatformDefaults | undefined
}

/** The inputs of a sync besides its request. */
export interface TimedContext extends Context {
  /** The time of the request in milliseconds since 1970. */
  now: number
}
