// Package bedrock asks Amazon Bedrock's Converse API through the AWS SDK. The account is that of key_file (an AWS
// credentials file), else of profile, else of the SDK's default chain, which belongs to the installation; with role_arn
// those assume that role. Neither AWS_BEARER_TOKEN_BEDROCK nor AWS_ENDPOINT_URL has any effect.
package bedrock
