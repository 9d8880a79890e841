/**
 * These tests need the real Metacontroller: the stand-in has no leader election and uses fewer
 * rights.
 * @throws {Error} if METACONTROLLER does not name the program.
 */
export function requireMetacontroller(): void {
  if (!process.env['METACONTROLLER']) {
    throw new Error('set METACONTROLLER to the path of the program, version 4.17.2')
  }
}
