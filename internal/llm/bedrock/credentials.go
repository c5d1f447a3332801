package bedrock

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// account resolves whose credentials sign the calls. It opens no connection.
func account(cfg llm.ProviderConfig, client *http.Client) (aws.CredentialsProvider, error) {
	base, err := base(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.RoleARN == "" {
		return named{base, false}, nil
	}
	tokens := sts.New(sts.Options{Region: cfg.Region, Credentials: base, HTTPClient: client, Retryer: aws.NopRetryer{}})
	role := stscreds.NewAssumeRoleProvider(tokens, cfg.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "midwatch"
		if cfg.ExternalID != "" {
			o.ExternalID = aws.String(cfg.ExternalID)
		}
	})
	return named{aws.NewCredentialsCache(role), true}, nil
}

func base(cfg llm.ProviderConfig) (aws.CredentialsProvider, error) {
	switch {
	case cfg.KeyFile != "":
		return fromFile(cfg.KeyFile, cfg.Profile)
	case cfg.Profile != "":
		return fromProfile(cfg)
	case cfg.Environment != "" && cfg.RoleARN == "":
		return nil, fmt.Errorf("set key_file, profile or role_arn: the default AWS credentials are the installation's, not those of environment %s", cfg.Environment)
	default:
		loaded, err := load(cfg)
		return loaded.Credentials, err
	}
}

// fromFile takes keys from one section of an AWS credentials file, and nothing from anywhere else.
func fromFile(path, section string) (aws.CredentialsProvider, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open key_file: %w", err)
	}
	defer f.Close()
	if err := wire.Private(f); err != nil {
		return nil, err
	}
	if section == "" {
		section = "default"
	}
	shared, err := config.LoadSharedConfigProfile(context.Background(), section, func(o *config.LoadSharedConfigOptions) {
		o.CredentialsFiles, o.ConfigFiles = []string{path}, []string{}
	})
	if err != nil || !shared.Credentials.HasKeys() {
		return nil, fmt.Errorf("key_file %s has no aws_access_key_id and aws_secret_access_key in section [%s]", path, section)
	}
	return credentials.StaticCredentialsProvider{Value: shared.Credentials}, nil
}

// fromProfile takes what a profile of the shared configuration names. The SDK falls back to the machine's own role where
// a profile names nothing, which would be somebody else's account.
func fromProfile(cfg llm.ProviderConfig) (aws.CredentialsProvider, error) {
	loaded, err := load(cfg, config.WithSharedConfigProfile(cfg.Profile))
	if err != nil {
		return nil, err
	}
	if aws.IsCredentialsProvider(loaded.Credentials, (*ec2rolecreds.Provider)(nil)) || aws.IsCredentialsProvider(loaded.Credentials, (*endpointcreds.Provider)(nil)) {
		return nil, fmt.Errorf("profile %s of the shared AWS configuration holds no credentials", cfg.Profile)
	}
	return loaded.Credentials, nil
}

func load(cfg llm.ProviderConfig, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	options = append(options,
		config.WithRegion(cfg.Region),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.Proxy = nil })),
	)
	loaded, err := config.LoadDefaultConfig(context.Background(), options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("read the AWS configuration: %w", err)
	}
	return loaded, nil
}

// noCredentials is what went wrong before the provider was asked.
type noCredentials struct {
	err     error
	passing bool // the token service could not be reached
}

func (e *noCredentials) Error() string { return "no AWS credentials: " + e.err.Error() }
func (e *noCredentials) Unwrap() error { return e.err }

// named says of an error that it is about credentials.
type named struct {
	aws.CredentialsProvider
	role bool
}

func (n named) Retrieve(ctx context.Context) (aws.Credentials, error) {
	keys, err := n.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		var said smithy.APIError
		return keys, &noCredentials{err, n.role && !errors.As(err, &said)}
	}
	return keys, nil
}
