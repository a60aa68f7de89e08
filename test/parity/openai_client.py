"""What OpenAI's Python client makes of a service: `openai_client.py BASE_URL KEY MODEL`; JSON on standard output."""
import json
import sys

import openai

base_url, key, model = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
asked = [{"role": "user", "content": "What is your refund policy?"}]
settings = {"model": model, "messages": asked, "temperature": 0, "max_tokens": 40}


def failure(**changes):
    """The exception's class and what it says about the request."""
    try:
        client.chat.completions.create(**{**settings, **changes})
    except openai.APIStatusError as error:
        return {"class": type(error).__name__, "code": error.code, "param": error.param}
    return None


whole = client.chat.completions.create(**settings)
stream = client.chat.completions.create(**settings, stream=True, stream_options={"include_usage": True})
pieces, usage = [], None
for chunk in stream:
    pieces += [choice.delta.content or "" for choice in chunk.choices]
    usage = chunk.usage or usage
several = client.chat.completions.create(**{**settings, "temperature": 1.5}, n=3, seed=7)
stranger = openai.OpenAI(base_url=base_url, api_key="wrong", max_retries=0)
try:
    stranger.models.list()
    refused = None
except openai.AuthenticationError as error:
    refused = error.code

print(
    json.dumps(
        {
            "whole": whole.choices[0].message.content,
            "finish_reason": whole.choices[0].finish_reason,
            "streamed": "".join(pieces),
            "pieces": sum(piece != "" for piece in pieces),
            "usage": whole.usage.model_dump(include={"prompt_tokens", "completion_tokens", "total_tokens"}),
            "usage_of_stream": usage.model_dump(include={"prompt_tokens", "completion_tokens", "total_tokens"}),
            "several": [choice.message.content for choice in several.choices],
            "models": [entry.id for entry in client.models.list()],
            "no_model": failure(model="another"),
            "hot": failure(temperature=3),
            "logprobs": failure(logprobs=True),
            "refused": refused,
        }
    )
)
