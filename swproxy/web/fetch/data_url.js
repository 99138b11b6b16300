// https://fetch.spec.whatwg.org/#scheme-fetch of data: URLs, which no network is needed for.
import { op_fetch_data_url } from "host:ops";
import { StringPrototypeSplit, TypeErrorConstructor } from "../infra/primordials.js";
import { InnerBody } from "./body.js";
import { InnerResponse } from "./response.js";

/** The InnerResponse for an InnerRequest; rejects with a TypeError if the URL has no data. */
export async function fetchDataURL(request) {
  const data = op_fetch_data_url(request.url, request.integrity);
  if (data === undefined) throw new TypeErrorConstructor("Failed to fetch: the data: URL is not valid.");
  const response = new InnerResponse();
  response.type = "basic";
  response.urls = [StringPrototypeSplit(request.url, "#")[0]];
  response.statusText = "OK";
  response.headers = [["Content-Type", data.mimeType]];
  const body = InnerBody.ofHandle(data.body);
  if (request.method !== "HEAD") response.body = body;
  return response;
}
