import t from 'tap'
import { readConfig, variables } from '../../src/config.ts'

t.test('uses the default of an unset or empty variable', async (t) => {
  const defaults = Object.fromEntries(
    Object.entries(variables).map(([name, variable]) => [name, variable.default]),
  )
  t.strictSame(readConfig({}), defaults)
  t.strictSame(readConfig({ PORT: '', HOST: '' }), defaults)
})

t.test('converts a variable to its type', async (t) => {
  t.match(
    readConfig({ HOST: '::', PORT: '0', LOG_LEVEL: 'debug', BODY_LIMIT: '1024', UNKNOWN: 'x' }),
    { HOST: '::', PORT: 0, LOG_LEVEL: 'debug', BODY_LIMIT: 1024 },
  )
})

t.test('reports every invalid variable with its value and the valid range', async (t) => {
  t.throws(
    () =>
      readConfig({
        PORT: '70000',
        LOG_LEVEL: 'loud',
        BODY_LIMIT: '1e6',
        SHUTDOWN_DELAY_MS: '6001',
      }),
    new Error(
      [
        'PORT=70000: must be an integer from 0 to 65535',
        'LOG_LEVEL=loud: must be one of trace, debug, info, warn, error, fatal, silent',
        'BODY_LIMIT=1e6: must be an integer from 1024 to 1073741824',
        'SHUTDOWN_DELAY_MS=6001: must be an integer from 0 to 6000',
      ].join('\n'),
    ),
  )
})
