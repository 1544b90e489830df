import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  craft,
  type Crafted,
  DAY_MS,
  identity,
  MAY_CERTIFY,
  MAY_SIGN,
  type Says,
} from "../../support/transports/crafted_certificates.ts";
import { meet } from "./meet.ts";

const YESTERDAY = new Date(Date.now() - DAY_MS / 2);
const TOMORROW = new Date(Date.now() + DAY_MS / 2);
const LATER = new Date(Date.now() + 2 * DAY_MS);

const AUTHORITY = { isAuthority: true, usage: MAY_CERTIFY };
const PEER = {
  subject: "peer",
  usage: MAY_SIGN,
  purposes: [1, 2],
  dns: ["localhost"],
  addresses: [[127, 0, 0, 1]],
};

const root = await craft({ subject: "root", ...AUTHORITY });
const peer = (issuer: Crafted, says: Says = {}) =>
  craft({ issuer, ...PEER, ...says });
const authority = (subject: string, says: Says = {}) =>
  craft({ subject, ...AUTHORITY, ...says });

/** The certificates that an end shows, with the key of the first. */
interface Shown {
  readonly shown: readonly Crafted[];
  /** The certificates that the other end trusts. */
  readonly trusted: readonly Crafted[];
}

async function signedBy(
  issuer: Crafted,
  others: readonly Crafted[] = [],
  trusted = root,
): Promise<Shown> {
  return { shown: [await peer(issuer), ...others], trusted: [trusted] };
}

async function own(says: Says, trusted?: Crafted): Promise<Shown> {
  const certificate = await craft({ ...PEER, ...says });
  return { shown: [certificate], trusted: [trusted ?? certificate] };
}

const middle = await authority("middle", { issuer: root });
const lower = await authority("lower", { issuer: middle });
const short = await authority("short", { pathLength: 0 });
const belowShort = await authority("below short", { issuer: short });
const shortMiddle = await authority("short middle", {
  issuer: root,
  pathLength: 0,
});
const belowMiddle = await authority("below middle", { issuer: shortMiddle });
const allowed = await authority("allowed", {
  issuer: root,
  permitted: "localhost",
});

const accepted: Record<string, Shown> = {
  "of an authority": await signedBy(root),
  "without purposes": {
    shown: [await peer(root, { purposes: undefined })],
    trusted: [root],
  },
  "of an intermediate": await signedBy(middle, [middle]),
  "of two intermediates in the wrong order": await signedBy(lower, [
    middle,
    lower,
  ]),
  "of an intermediate that is trusted itself": await signedBy(
    middle,
    [],
    middle,
  ),
  "of an authority that allows no intermediate": await signedBy(
    short,
    [],
    short,
  ),
  "within the names of its authority": {
    shown: [await peer(allowed), allowed],
    trusted: [root],
  },
  "that is trusted for itself": await own({ isAuthority: false }),
  "that is trusted for itself, without basicConstraints": await own({}),
  "that is trusted for itself and is an authority": await own({
    ...AUTHORITY,
    usage: MAY_CERTIFY | MAY_SIGN,
  }),
};

/** Trusted, but not an authority. */
const pinned = await craft({ ...PEER, subject: "pinned" });
const pinnedNoAuthority = await craft({
  ...PEER,
  subject: "pinned",
  isAuthority: false,
});
const expired = await authority("expired", { until: YESTERDAY });
const future = await authority("future", { from: TOMORROW, until: LATER });
const cannotSign = await authority("cannot sign", { usage: MAY_SIGN });
const old = await craft({ subject: "old", version: 1 });
const crossed = await authority("crossed", { keys: root.keys });

const middleThat = (says: Says) =>
  authority("middle that", {
    issuer: root,
    ...says,
  }).then((issuer) => signedBy(issuer, [issuer]));

const refused: Record<string, Shown> = {
  "of an authority that is not trusted": await signedBy(
    await authority("stranger"),
  ),
  "of another authority of the same name": await signedBy(
    await authority("root"),
  ),
  "of a trusted certificate that is not an authority": await signedBy(
    pinnedNoAuthority,
    [],
    pinnedNoAuthority,
  ),
  "of a trusted certificate without basicConstraints": await signedBy(
    pinned,
    [pinned],
    pinned,
  ),
  "of an authority that has expired": await signedBy(expired, [], expired),
  "of an authority that is not valid yet": await signedBy(future, [], future),
  "of an authority that may not sign": await signedBy(
    cannotSign,
    [],
    cannotSign,
  ),
  "of an authority of version 1": await signedBy(old, [], old),
  "of an intermediate that has expired": await middleThat({ until: YESTERDAY }),
  "of an intermediate that is not valid yet": await middleThat({
    from: TOMORROW,
    until: LATER,
  }),
  "of an intermediate that may not sign": await middleThat({ usage: MAY_SIGN }),
  "of an intermediate that is not an authority": await middleThat({
    isAuthority: false,
  }),
  "of an intermediate without basicConstraints": await middleThat({
    isAuthority: undefined,
  }),
  "of an intermediate of version 1": await middleThat({ version: 1 }),
  "of an intermediate with an unknown critical extension": await middleThat({
    unknownExtension: true,
  }),
  "of an intermediate that the peer does not send": await signedBy(middle),
  "of one intermediate more than the authority allows": await signedBy(
    belowShort,
    [belowShort],
    short,
  ),
  "of one intermediate more than an intermediate allows": await signedBy(
    belowMiddle,
    [belowMiddle, shortMiddle],
  ),
  "outside the names of its authority": await middleThat({
    permitted: "example.com",
  }),
  "with one name outside those of its authority": {
    shown: [
      await peer(allowed, { dns: ["localhost", "example.com"] }),
      allowed,
    ],
    trusted: [root],
  },
  "that has expired": await own({ issuer: root, until: YESTERDAY }, root),
  "that has expired, trusted for itself": await own({ until: YESTERDAY }),
  "that is not valid yet, trusted for itself": await own({
    from: TOMORROW,
    until: LATER,
  }),
  "of version 1": await own({ issuer: root, version: 1 }, root),
  "of version 1, trusted for itself": await own({ version: 1 }),
  "that is an authority": await own({ issuer: root, ...AUTHORITY }, root),
  "that is self-signed": await own({}, root),
  "with the key of the authority, signed by a stranger": {
    shown: [
      await peer(crossed),
      await authority("crossed", {
        issuer: await authority("stranger"),
        keys: root.keys,
      }),
    ],
    trusted: [await authority("other")],
  },
};

const roles = {
  server: {
    "for clients only": await own({ issuer: root, purposes: [2] }, root),
    "for clients only, trusted for itself": await own({ purposes: [2] }),
  },
  client: {
    "for servers only": await own({ issuer: root, purposes: [1] }, root),
    "for servers only, trusted for itself": await own({ purposes: [1] }),
  },
};

const trust = ({ trusted }: Shown) => trusted.map(({ cert }) => cert);
const good = accepted["of an authority"];
assert(good);
const rootOnly = { caCerts: [root.cert] };

/** The test's own side is valid; the other shows the certificates of the case. */
const meetings = {
  server: (shown: Shown) =>
    meet({ caCerts: trust(shown) }, identity(...shown.shown)),
  client: (shown: Shown) =>
    meet({ ...rootOnly, ...identity(...shown.shown) }, {
      ...identity(...good.shown),
      clientCaCerts: trust(shown),
    }),
};
const judges = { server: "client", client: "server" } as const;

for (const role of ["server", "client"] as const) {
  for (const [what, shown] of Object.entries(accepted)) {
    Deno.test(`a ${role}'s certificate ${what} is accepted`, async () => {
      const { client, server } = await meetings[role](shown);
      assertEquals([client, server], [undefined, undefined]);
    });
  }

  for (
    const [what, shown] of Object.entries({ ...refused, ...roles[role] })
  ) {
    Deno.test(`a ${role}'s certificate ${what} is refused`, async () => {
      const said = (await meetings[role](shown))[judges[role]];
      assertInstanceOf(said, Deno.errors.InvalidData);
      assert(said.message.includes(`the ${role}'s certificate `), said.message);
    });
  }
}

Deno.test("a circular chain is refused", async () => {
  const one = await authority("one");
  const two = await authority("two");
  const shown = [
    await peer(one),
    await authority("one", { issuer: two, keys: one.keys }),
    await authority("two", { issuer: one, keys: two.keys }),
  ];
  const { client } = await meetings.server({ shown, trusted: [root] });
  assertInstanceOf(client, Deno.errors.InvalidData);
});
