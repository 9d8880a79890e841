/**
 * These tests need the real Metacontroller: the stand-in has no leader election and no mutual TLS,
 * and uses fewer rights.
 * @throws {Error} if METACONTROLLER is not set.
 */
export function requireMetacontroller(): void {
  if (!process.env['METACONTROLLER']) {
    throw new Error('set METACONTROLLER to the path of the program, version 4.17.2')
  }
}
