import { describe, expect, it } from 'vitest'
import { createStallDetector, type ProgressSample, type StallVerdict } from './detect-stall.ts'

const limitMs = 60
const waits = { waiting: 3, inProgress: 0, ended: 5 }
const hangs = { waiting: 0, inProgress: 64, ended: 5 }
const idle = { waiting: 0, inProgress: 0, ended: 5 }

function verdicts(...samples: readonly ProgressSample[]): StallVerdict[] {
  return samples.map(createStallDetector(limitMs))
}

describe('createStallDetector', () => {
  it('tolerates an idle worker', () => {
    expect(verdicts(...[0, 100, 1_000].map((at) => ({ ...idle, at })))).toEqual(['fine', 'fine', 'fine'])
  })

  it.each([
    ['jobs are waiting and none finishes', waits],
    ['jobs are in progress and none finishes, with none waiting', hangs],
  ])('asks for new connections, then for a new process, when %s', (_name, state) => {
    const at = [0, 30, 59, 60, 90, 119, 120]
    const expected = ['fine', 'fine', 'fine', 'rebuild', 'fine', 'fine', 'give up']
    expect(verdicts(...at.map((ms) => ({ ...state, at: ms })))).toEqual(expected)
  })

  it('counts a finished job as progress, but not a taken one', () => {
    expect(
      verdicts(
        { ...waits, at: 0 },
        { ...waits, at: 59, inProgress: 1 },
        { ...waits, at: 60, ended: 6 },
        { ...waits, at: 119, ended: 6 },
        { ...waits, at: 120, ended: 6, inProgress: 9 },
      ),
    ).toEqual(['fine', 'fine', 'fine', 'fine', 'rebuild'])
  })

  it('is not cleared by a rebuild that takes the same jobs and hangs on them again', () => {
    expect(
      verdicts(
        { ...hangs, at: 0 },
        { ...hangs, at: 60 },
        // Their locks expire before they are taken again.
        { ...hangs, at: 61, waiting: 64, inProgress: 0 },
        { ...hangs, at: 80 },
        { ...hangs, at: 120 },
      ),
    ).toEqual(['fine', 'rebuild', 'fine', 'fine', 'give up'])
  })

  it('is cleared by a finished job after a rebuild', () => {
    expect(
      verdicts(
        { ...hangs, at: 0 },
        { ...hangs, at: 60 },
        { ...hangs, at: 70, ended: 6 },
        { ...hangs, at: 129, ended: 6 },
        { ...hangs, at: 130, ended: 6 },
      ),
    ).toEqual(['fine', 'rebuild', 'fine', 'fine', 'rebuild'])
  })

  it('does not report a stall while Redis does not answer', () => {
    expect(
      verdicts(
        { ...hangs, at: 0 },
        { ...hangs, at: 50, waiting: undefined },
        { ...hangs, at: 500, waiting: undefined },
        { ...hangs, at: 559 },
        { ...hangs, at: 560 },
      ),
    ).toEqual(['fine', 'fine', 'fine', 'fine', 'rebuild'])
  })

  it('restarts its timer when jobs arrive after an idle period', () => {
    expect(verdicts({ ...idle, at: 0 }, { ...idle, at: 500 }, { ...waits, at: 559 }, { ...waits, at: 560 })).toEqual([
      'fine',
      'fine',
      'fine',
      'rebuild',
    ])
  })
})
