// A server for a file of Node tests, and a platform of its own for each test. No package is needed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export async function serve (...options) {
  const server = spawn('mockskaha', ['serve', '--port', '0', ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: server.stdout })
  const [first] = await Promise.race([
    once(lines, 'line'),
    once(server, 'exit').then(([code]) => { throw new Error(`mockskaha serve ended with ${code}`) }),
    once(server, 'error').then(([error]) => { throw error })
  ])
  const url = first.match(/^export CANFAR_URL=(\S+)$/)[1]
  return {
    url,
    // Platforms are made when they are first asked for, and never meet.
    namespace: name => url.replace(/\/skaha\/v\d$/, path => `/ns/${name}${path}`),
    async stop () {
      server.kill()
      await once(server, 'exit')
    }
  }
}

export function client (url, token = 'alice') {
  const ask = async (path, options = {}) => {
    const headers = { Authorization: `Bearer ${token}`, ...options.headers }
    const answer = await fetch(url + path, { ...options, headers })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    return answer
  }
  return {
    list: async () => (await ask('/session')).json(),
    info: async id => (await ask(`/session/${id}`)).json(),
    create: async form => {
      const answer = await ask('/session', { method: 'POST', body: new URLSearchParams(form) })
      return (await answer.text()).trim()
    },
    remove: async id => { await ask(`/session/${id}`, { method: 'DELETE' }) }
  }
}

// What a test does behind the client's back. Durations are seconds of the platform's time, '2h30m' or '4d'.
export function control (url) {
  const ask = async (method, path, body) => {
    const options = { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
    const answer = await fetch(url.replace(/\/skaha\/v\d$/, '/_mockskaha/') + path, options)
    const told = await answer.text()
    if (!answer.ok) throw new Error(`${answer.status} ${told}`)
    return told && JSON.parse(told)
  }
  return {
    advance: by => ask('POST', 'clock/advance', { by }),
    async until (session, status, within = '1h') {
      const came = await ask('POST', 'clock/advance', { until: { session, status }, within })
      if (!came.reached) throw new Error(`${session} is ${came.status}, not ${status}, after ${within}: ${came.why.text}`)
    },
    fault: fault => ask('POST', 'faults', fault),
    asked: (operation, times) => ask('POST', 'requests/verify', { operation, times }),
    reset: () => ask('POST', 'reset', {})
  }
}
