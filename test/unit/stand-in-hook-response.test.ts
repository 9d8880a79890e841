import t from 'tap'
import {
  parseCompositeResponse,
  parseCustomizeResponse,
} from '../../local-cluster/stand-in/hook-response.ts'
import { retryAfter } from '../../local-cluster/stand-in/webhook.ts'

const nothing = { status: {}, children: [], resyncAfterSeconds: 0, finalized: false }
const child = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } }

t.test('an answer without children desires no children', async (t) => {
  for (const body of ['{}', 'null', '{"children": null}', '{"status": null, "children": []}']) {
    t.same(parseCompositeResponse(body), nothing, body)
  }
})

t.test('reads a complete answer', async (t) => {
  const body = JSON.stringify({
    status: { phase: 'Running' },
    children: [child],
    resyncAfterSeconds: 1.5,
    finalized: true,
  })
  t.same(parseCompositeResponse(body), {
    status: { phase: 'Running' },
    children: [child],
    resyncAfterSeconds: 1.5,
    finalized: true,
  })
})

for (const body of [
  '',
  '<html>',
  '[]',
  '"x"',
  '1',
  '{"children": []} x',
  '{"children": {}}',
  '{"children": ["x"]}',
  '{"status": []}',
  '{"status": "x"}',
  '{"resyncAfterSeconds": "5"}',
  '{"finalized": "true"}',
  '{"finalized": 1}',
]) {
  t.test(`refuses the answer ${body || '(empty)'}`, async (t) => {
    t.throws(() => parseCompositeResponse(body), /can't unmarshal webhookResponse/)
  })
}

t.test('refuses an unknown field', async (t) => {
  t.throws(() => parseCompositeResponse('{"children": [], "Status": {}}'), /unknown field "Status"/)
  t.throws(
    () => parseCustomizeResponse('{"relatedResourceRules": []}'),
    /unknown field "relatedResourceRules"/,
  )
  t.throws(() => parseCustomizeResponse('{"relatedResources": [{"kind": "Pod"}]}'), /unknown field/)
})

t.test('refuses a child without a kind', async (t) => {
  t.throws(
    () => parseCompositeResponse('{"children": [{"apiVersion": "v1"}]}'),
    /Object 'Kind' is missing/,
  )
})

t.test('refuses null in a list', async (t) => {
  t.throws(() => parseCompositeResponse('{"children": [null]}'), /which crashes Metacontroller/)
  t.throws(
    () => parseCustomizeResponse('{"relatedResources": [null]}'),
    /which crashes Metacontroller/,
  )
})

t.test('reads Retry-After as seconds or a date', async (t) => {
  const now = Date.parse('Mon, 02 Nov 2026 10:00:00 GMT')
  t.equal(retryAfter('5', now), 5)
  t.equal(retryAfter('Mon, 02 Nov 2026 10:00:03 GMT', now), 3)
  t.equal(retryAfter('soon', now), 0)
  t.equal(retryAfter('1.5', now), 0)
  t.equal(retryAfter(null, now), 0)
})
