import fengari from 'fengari'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { type Scene, scenes } from '../support/fixtures/scenes.ts'

const { data } = parse(
  readFileSync(new URL('../../manifests/health/argocd-cm.yaml', import.meta.url), 'utf8'),
)
const script: string = data['resource.customizations.health.example.com_MyApp']

/** The health that Argo CD derives. The script runs in Lua, with the object as `obj`. */
function health(myApp: Scene): { status: string; message: string } {
  const { lauxlib, lualib, lua, to_luastring: toLua, to_jsstring: toText } = fengari
  const state = lauxlib.luaL_newstate()
  lualib.luaL_openlibs(state)
  const failed = lauxlib.luaL_dostring(
    state,
    toLua(
      `local obj = ${literal(myApp)}\nlocal hs = (function ()\n${script}\nend)()\nreturn ` +
        `hs.status .. "\\n" .. hs.message`,
    ),
  )
  const [status = '', message = ''] = toText(lua.lua_tostring(state, -1) ?? new Uint8Array()).split(
    '\n',
  )
  if (failed) throw new Error(status)
  return { status, message }
}

/** A JSON value as a Lua literal. Argo CD omits null. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `{ ${value.map(literal).join(', ')} }`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{ ${Object.entries(value)
    .map(([key, field]) => `[${JSON.stringify(key)}] = ${literal(field)}`)
    .join(', ')} }`
}

const expected: Record<keyof typeof scenes, string> = {
  'just created': 'Progressing',
  'without a status': 'Progressing',
  'seen for the first time': 'Progressing',
  'starting its pods': 'Progressing',
  running: 'Healthy',
  'changed and not yet reconciled': 'Progressing',
  'rolling out': 'Progressing',
  'with a name conflict': 'Degraded',
  'with an invalid spec': 'Degraded',
  'past its progress deadline': 'Degraded',
  'with a Secret missing': 'Progressing',
  suspended: 'Suspended',
  'being suspended': 'Progressing',
  paused: 'Suspended',
  'being deleted': 'Progressing',
}

for (const [name, scene] of Object.entries(scenes) as Array<[keyof typeof scenes, Scene]>) {
  t.test(`Argo CD shows ${expected[name]} for a MyApp ${name}`, async (t) => {
    const { status, message } = health(scene)
    t.equal(status, expected[name])
    t.ok(
      message === scene.status?.message || message === 'Waiting for the operator to reconcile it',
      message,
    )
  })
}
