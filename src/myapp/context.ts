/**
 * What the process configures, for the functions that answer a hook. Everything else in an answer
 * comes from the request.
 */
export interface Context {
  /**
   * The key of the digests of ConfigMaps and Secrets, from CONFIG_DIGEST_KEY_FILE. Every replica
   * has the same key.
   */
  configDigestKey?: Buffer | undefined
}
