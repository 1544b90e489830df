/**
 * The methods that are called here: params, then result. The protocol has
 * hundreds; add what you need, by the name that its documentation has.
 */
export interface Methods {
  "Browser.getVersion"(params: object): { product: string };
  "Target.createTarget"(params: { url: string }): { targetId: string };
  "Target.attachToTarget"(
    params: { targetId: string; flatten: true },
  ): { sessionId: string };
  "Target.closeTarget"(params: { targetId: string }): object;
  "Page.enable"(params: object): object;
  "Page.setLifecycleEventsEnabled"(params: { enabled: boolean }): object;
  "Page.navigate"(
    params: { url: string },
  ): { loaderId?: string; errorText?: string };
  "Page.captureScreenshot"(params: object): { data: string };
  "Runtime.evaluate"(
    params: { expression: string; returnByValue: true; awaitPromise: true },
  ): { result: { value?: unknown }; exceptionDetails?: ExceptionDetails };
  "Input.dispatchMouseEvent"(params: MouseEventParams): object;
}

/** What an expression has thrown. */
export interface ExceptionDetails {
  text: string;
  exception?: { description?: string };
}

/** What happens to a button of the mouse, and where. */
export interface MouseEventParams {
  type: "mousePressed" | "mouseReleased";
  x: number;
  y: number;
  button: "left" | "right";
  clickCount: number;
}

/** What the event `Target.attachedToTarget` tells: a session has begun. */
export type Attached = {
  sessionId: string;
  targetInfo: { targetId: string };
};

/** What a method takes. */
export type Params<M extends keyof Methods> = Parameters<Methods[M]>[0];

/** What a method returns. */
export type Result<M extends keyof Methods> = ReturnType<Methods[M]>;

/** A message of either end: a request, a reply or an event. */
export interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string };
  /** The page that the message is about; without it, the browser. */
  sessionId?: string;
}
