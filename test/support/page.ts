/** A browser as far as pages without script need one: follows the sign-in link, keeps the cookie, reads pages. */
import { request } from 'undici';

export interface Page {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export class Browser {
  readonly #origin: string;
  readonly #cookie: string;

  constructor(origin: string, cookie: string) {
    this.#origin = origin;
    this.#cookie = cookie;
  }

  /** Opens the link that `up` prints. @throws Error when it signs nobody in. */
  static async signIn(link: string): Promise<Browser> {
    const { statusCode, headers, body } = await request(link);
    await body.dump();
    const cookie = [headers['set-cookie'] ?? []].flat()[0]?.split(';')[0];
    if (statusCode !== 303 || cookie === undefined) throw new Error(`the sign-in link answered ${statusCode}`);
    return new Browser(new URL(link).origin, cookie);
  }

  async get(path: string): Promise<Page> {
    return read(`${this.#origin}${path}`, { cookie: this.#cookie });
  }
}

/** One request without anybody signed in. */
export async function read(url: string, headers: Record<string, string> = {}): Promise<Page> {
  const response = await request(url, { headers });
  return { status: response.statusCode, headers: response.headers, body: await response.body.text() };
}
